// What TCP sockets of the reactor are set to. An option that the kernel lacks is one that we go without.
#ifndef EMPEROR_NATIVE_REACTOR_TCP_OPTIONS_H_
#define EMPEROR_NATIVE_REACTOR_TCP_OPTIONS_H_

/** TCP_NODELAY, and keep-alive probes that find a peer that vanished within two minutes. */
void SetTcpOptions(int fd);
/** The same, which accepted connections inherit on Linux, and TCP_DEFER_ACCEPT. */
void SetTcpListenerOptions(int fd);

#endif  // EMPEROR_NATIVE_REACTOR_TCP_OPTIONS_H_
