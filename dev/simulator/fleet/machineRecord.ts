/** One entry of a machine's `ipAddresses`. */
export interface AddressRecord {
  ipAddress: string | null;
  macAddress: string | null;
  type: string | null;
  operationalStatus: string | null;
}

/**
 * A machine as the API sends it. Only the properties that the simulator itself reads are named: what else a
 * machine holds, and of which type, is part of what callers are tested with.
 */
export interface MachineRecord {
  id: string;
  computerDnsName?: string | null;
  ipAddresses?: AddressRecord[] | null;
  [property: string]: unknown;
}
