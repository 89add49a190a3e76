import { withinTime } from '../promises.ts';
import type { CallGate, Permit } from '../quota/callGate.ts';
import type { AnswerStore, Answers, AskingProblem } from '../quota/lastAnswer.ts';
import { type AccessTokens, readTokenClaims } from '../sources/accessToken.ts';
import type { Failure } from '../sources/apiReply.ts';
import { isStorageError } from '../storage/storageError.ts';
import type { Finding, HealthProbe } from './health.ts';

/** An API, and a harmless call to it: `ask` looks up a random ID that does not exist. */
export interface Question {
  name: string;
  gate: CallGate;
  answers: AnswerStore;
  /** A token that is worth a call; undefined where none has the role that the call needs. @throws When there is none. */
  findToken(): Promise<string | undefined>;
  tokens: Pick<AccessTokens, 'renew'>;
  ask(
    token: string,
    signal: AbortSignal,
  ): Promise<Failure | { kind: 'alert' | 'machine' | 'rows' | 'too_big' }>;
  /** Whether alerts wait while the API refuses the app. */
  stopsAlerts(): Promise<boolean>;
}

/** How long a request for health waits for this check (ms). A later finding is shown to the next request. */
const PATIENCE_MS = 2_000;
const LONGEST_LOOK_MS = 2_500;
/** How long an answer proves that the API answers the app, and the shortest time between two calls for health (ms). */
const PROOF_MS = 60 * 60_000;
const LONGEST_ASKING_MS = 60_000;
const NO_TURN = { until: new Date(0), inLine: false };

/**
 * Whether an API answers the app. Look-ups of alerts prove it by the way. Only where none was answered for an hour, one
 * call is made: by one of all instances, with a slot of the ledger, and with no token that lacks the role.
 */
export function answerProbe(question: Question, now: () => Date): HealthProbe {
  const { answers, name } = question;
  let underWay: Promise<void> | undefined;
  /** When this process may want a call again, and whether it was promised a turn then, for which it has to come back. */
  let turn = NO_TURN;

  async function describe({ answeredAt, asked }: Answers): Promise<Finding> {
    if (isRecent(answeredAt, now())) {
      return { status: 'ok', detail: `answered the app at ${answeredAt?.toISOString()}` };
    }
    const last = isRecent(asked?.at, now()) ? asked : undefined;
    if (last?.problem === undefined) {
      return { status: 'warning', detail: openQuestion(last?.at) };
    }
    const { kind, detail } = last.problem;
    const next = new Date(last.at.getTime() + PROOF_MS).toISOString();
    return {
      status: kind === 'refused' && (await question.stopsAlerts()) ? 'failed' : 'warning',
      detail: `${detail} (asked at ${last.at.toISOString()}; an alert tells whether that has changed, or the next question after ${next})`,
    };
  }

  function openQuestion(askedAt: Date | undefined): string {
    if (underWay !== undefined || (askedAt && now().getTime() - askedAt.getTime() < LONGEST_ASKING_MS)) {
      return 'is being asked; look again soon';
    }
    if (askedAt !== undefined) {
      return `was asked at ${askedAt.toISOString()} by an instance that did not say what came of it`;
    }
    const wait =
      turn.until > now()
        ? `no call is free before ${turn.until.toISOString()}`
        : 'see token, role and circuit';
    return `not asked: ${wait}`;
  }

  async function find(): Promise<Finding> {
    const seen = await answers.read();
    if (isRecent(seen.answeredAt, now()) || isRecent(seen.asked?.at, now()) || turn.until > now()) {
      return describe(seen);
    }
    underWay ??= askOnce(question, seen, turn.inLine, now)
      .then((next) => {
        turn = next;
      })
      // What hinders asking shows in the checks of token and storage.
      .catch(() => undefined)
      .finally(() => {
        underWay = undefined;
      });
    await withinTime(underWay, PATIENCE_MS, () => undefined);
    return describe(await answers.read());
  }

  return {
    name,
    look() {
      // What is wrong with the table, its own check says.
      const unknown: Finding = {
        status: 'warning',
        detail: 'not known: the state table cannot be read in time',
      };
      return withinTime(
        find().catch((error: unknown) => {
          if (isStorageError(error)) {
            return unknown;
          }
          throw error;
        }),
        LONGEST_LOOK_MS,
        () => unknown,
      );
    },
  };
}

function isRecent(time: Date | undefined, now: Date): boolean {
  return time !== undefined && now.getTime() - time.getTime() < PROOF_MS;
}

/**
 * Asks, unless the token lacks the role, the ledger has no slot, or another instance asks. What comes of it is noted.
 * @param inLine Whether a turn was promised.
 * @returns Before when it makes no sense to want a slot again.
 */
async function askOnce(
  question: Question,
  seen: Answers,
  inLine: boolean,
  now: () => Date,
): Promise<typeof NO_TURN> {
  const { gate, answers } = question;
  if ((await question.findToken()) === undefined) {
    return { ...NO_TURN, inLine };
  }
  const signal = AbortSignal.timeout(LONGEST_ASKING_MS);
  const permit = await gate.acquire({ place: inLine ? 'turn' : 'last', mayProbeCircuit: true }, signal);
  if (permit.kind !== 'granted') {
    return { until: permit.until, inLine: permit.kind === 'wait' && permit.inLine };
  }
  let token: string;
  try {
    if (!(await answers.claim(seen, now()))) {
      gate.release(permit);
      return NO_TURN;
    }
    // The one at hand may be from before a role was granted or taken away.
    token = await question.tokens.renew();
  } catch (error) {
    gate.release(permit);
    throw error;
  }
  const reply = await question.ask(token, signal);
  gate.returned(permit);
  const problem = await report(reply, permit, gate, readTokenClaims(token) !== undefined);
  await (problem === undefined ? answers.noteAnswer(now()) : answers.noteProblem(problem));
  return NO_TURN;
}

/** Tells the gate what came of the call, as look-ups do. @returns Undefined for a normal answer. */
async function report(
  reply: Awaited<ReturnType<Question['ask']>>,
  permit: Permit,
  gate: CallGate,
  isRoleSure: boolean,
): Promise<AskingProblem | undefined> {
  switch (reply.kind) {
    case 'throttled':
      await gate.throttled(reply.retryAfterMs);
      return { kind: 'silent', detail: reply.detail };
    case 'unavailable':
    case 'interrupted':
      return { kind: 'silent', detail: reply.detail };
    case 'retired':
    case 'unauthorized': {
      const cause = reply.kind === 'retired' ? 'retired' : 'forbidden';
      await gate.denied(permit, { cause, detail: reply.detail });
      return { kind: 'refused', detail: reply.detail };
    }
    case 'forbidden':
      // With the role in the token a 403 may be about the invented ID alone: no reason to stop all look-ups.
      if (!isRoleSure || permit.probe === 'circuit') {
        await gate.denied(permit, { cause: 'forbidden', detail: reply.detail });
      }
      return { kind: 'refused', detail: [reply.detail, reply.advice].filter(Boolean).join('. ') };
    default:
      await gate.succeeded(permit);
      return undefined;
  }
}
