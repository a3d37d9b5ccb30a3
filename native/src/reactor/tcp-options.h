// What TCP sockets of the reactor are set to. An option that the kernel lacks is one that we go without.
#ifndef EMPEROR_NATIVE_REACTOR_TCP_OPTIONS_H_
#define EMPEROR_NATIVE_REACTOR_TCP_OPTIONS_H_

#include <cstdint>

/** TCP_NODELAY, and keep-alive probes that find a peer that vanished within three minutes. `turn`: of SetProbeDelay. */
void SetTcpOptions(int fd, uint32_t turn);
/**
 * When the first probe is sent: after one to two minutes of silence, another second of those for each `turn`. Connections
 * that fell silent together and are probed together fill the queue that their probes share (1000 packets on loopback,
 * net.core.netdev_max_backlog), and those that find it full do so probe after probe, until they count as dead: of 9000
 * that were opened at once, 4996 were cut; with turns none.
 */
void SetProbeDelay(int fd, uint32_t turn);
/** The same, which accepted connections inherit on Linux, and TCP_DEFER_ACCEPT. */
void SetTcpListenerOptions(int fd);

#endif  // EMPEROR_NATIVE_REACTOR_TCP_OPTIONS_H_
