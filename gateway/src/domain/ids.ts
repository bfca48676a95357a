/** 16 random bytes as 32 hex digits. Given by the gateway; a client never names a session it does not own. */
export type SessionId = string;
