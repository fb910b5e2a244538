/** Before a release, tests whose point is how often they go well do so in full: `SEALPIPE_THOROUGH=1` in the environment. */
export const thorough = process.env["SEALPIPE_THOROUGH"] === "1";

/** How often to go round: `full` times, or a fifth of that where there is a next run soon. */
export const times = (full: number): number => (thorough ? full : Math.ceil(full / 5));
