/** The two ends of a session: whose word, PDU or leg it is. */
export type Side = 'initiator' | 'target';
