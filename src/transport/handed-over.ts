/** The first descriptor that systemd hands over: SD_LISTEN_FDS_START of sd-daemon.h. */
const first = 3;
const maxCount = 1_024;

/**
 * The descriptors that systemd has handed over to this process, by its protocol for the activation by sockets: none if it has not
 * started this process, or has for another reason.
 */
export function handedOver(environment: NodeJS.ProcessEnv = process.env): number[] {
  const { LISTEN_PID: pid = "", LISTEN_FDS: count = "" } = environment;
  if (pid !== `${process.pid}` || !/^\d{1,4}$/.test(count)) return [];
  return Array.from({ length: Math.min(Number(count), maxCount) }, (_, index) => first + index);
}
