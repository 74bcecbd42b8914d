package upstream

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDialer asks the kernel what the connections to the upstream are like: it alone knows when packets vanish.
func TestDialer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	connection, err := newDialer().DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	raw, err := connection.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ option, want int }{
		"TCP_SYNCNT":       {unix.TCP_SYNCNT, connectTries},
		"TCP_USER_TIMEOUT": {unix.TCP_USER_TIMEOUT, int(silence.Milliseconds())},
		"TCP_KEEPIDLE":     {unix.TCP_KEEPIDLE, int(idle.Seconds())},
		"TCP_KEEPINTVL":    {unix.TCP_KEEPINTVL, int(silence.Seconds())},
	} {
		if err := raw.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, c.option); err != nil || got != c.want {
				t.Errorf("%s is %d (%v), want %d", name, got, err, c.want)
			}
		}); err != nil {
			t.Error(err)
		}
	}
}
