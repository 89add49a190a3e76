"""Handles each message of the enrichments queue once, whatever its outcome.

Needs Python 3.10 or later: pip install azure-identity azure-storage-queue azure-data-tables
Set QUEUE_URL and TABLE_URL to the addresses of the storage account's services, then: python consumer.py
"""

import base64
import json
import os
import sqlite3


def read_message(text):
    message = json.loads(base64.b64decode(text))
    if message.get("specversion") == "1.0":  # a CloudEvent: OUTPUT_ENVELOPE is "cloudevents"
        message = message["data"]
    if message.get("schemaVersion") != "1.0":
        raise ValueError(f"version {message.get('schemaVersion')} is not known: update this program")
    return message


def device_of(enrichment, open_table):
    if "table" not in enrichment:
        return enrichment.get("device")
    row = open_table(enrichment["table"]).get_entity(enrichment["partitionKey"], enrichment["rowKey"])
    numbers = range(2, len(row) + 1)  # a long text is cut into columns: device, device2, device3, ...
    return json.loads(row["device"] + "".join(row.get(f"device{number}", "") for number in numbers))


def triage(enrichment, device):
    match enrichment["outcome"]:
        case "enriched":
            return f"{device['hostname'] or device['id']}, risk {device['risk']['value']}"
        case "not_found":
            return "Defender knows no device, so a person has to look"
        case "failed":
            return f"could not be enriched ({enrichment['error']['code']}), so it goes on without a device"
        case outcome:
            raise ValueError(f"the outcome {outcome} is not known: update this program")


def consume(queue, poison, open_table, handled):
    handled.execute("CREATE TABLE IF NOT EXISTS handled (submission TEXT PRIMARY KEY)")
    for message in queue.receive_messages(visibility_timeout=300):
        try:
            enrichment = read_message(message.content)
            known = [enrichment["submissionId"]]
            if not handled.execute("SELECT 1 FROM handled WHERE submission = ?", known).fetchone():
                device = device_of(enrichment, open_table) if enrichment["outcome"] == "enriched" else None
                print(f"{enrichment['alertId']}: {triage(enrichment, device)}", flush=True)
                with handled:
                    handled.execute("INSERT INTO handled VALUES (?)", known)
        except Exception as error:
            print(f"message {message.id}, delivery {message.dequeue_count}: {error!r}", flush=True)
            if message.dequeue_count < 5:
                continue  # it comes again when its five minutes are over
            poison.send_message(message.content, time_to_live=-1)
        queue.delete_message(message)


if __name__ == "__main__":
    from azure.data.tables import TableClient
    from azure.identity import DefaultAzureCredential
    from azure.storage.queue import QueueClient

    sign_in = DefaultAzureCredential()
    name = os.environ.get("ENRICHMENTS_QUEUE", "enrichments")
    consume(
        queue=QueueClient(os.environ["QUEUE_URL"], name, credential=sign_in),
        poison=QueueClient(os.environ["QUEUE_URL"], f"{name}-poison", credential=sign_in),
        open_table=lambda table: TableClient(os.environ["TABLE_URL"], table, credential=sign_in),
        handled=sqlite3.connect("handled.db"),
    )
