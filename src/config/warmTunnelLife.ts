/** How long a stub keeps a tunnel that it has dialled ahead, before it dials another in its place. */
export const WARM_TUNNEL_SECONDS = 240;

/** What a gateway has to let one wait: a tunnel stays until its successor is there, which is dialled with patience. */
export const LEAST_WAITING_SECONDS = 300;
