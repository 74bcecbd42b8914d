//go:build node

package images

import (
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// enterNetwork puts the test, what it listens on and what it starts into a network namespace of its own, with a name server.
// Other goroutines stay outside; when the test ends its thread does, and the namespace with it.
func enterNetwork(t *testing.T, hosts map[string]string) {
	t.Helper()
	runtime.LockOSThread() // never unlocked: the thread must not be used for anything else
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("making a network namespace: %v", err)
	}
	if output, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("setting lo up: %v\n%s", err, output)
	}
	socket, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go serveNames(socket, hosts)
}

// serveNames answers questions for IPv4 addresses; all else has none.
func serveNames(socket net.PacketConn, hosts map[string]string) {
	buffer := make([]byte, 4096)
	for {
		length, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if err := message.Unpack(buffer[:length]); err != nil || len(message.Questions) != 1 {
			continue
		}
		answer(&message, hosts)
		if packed, err := message.Pack(); err == nil {
			_, _ = socket.WriteTo(packed, from)
		}
	}
}

func answer(message *dnsmessage.Message, hosts map[string]string) {
	question := message.Questions[0]
	message.Response, message.Authoritative, message.Additionals = true, true, nil
	address, known := hosts[strings.TrimSuffix(question.Name.String(), ".")]
	if !known {
		message.RCode = dnsmessage.RCodeNameError
		return
	}
	if question.Type == dnsmessage.TypeA {
		header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 1}
		body := &dnsmessage.AResource{A: [4]byte(net.ParseIP(address).To4())}
		message.Answers = []dnsmessage.Resource{{Header: header, Body: body}}
	}
}
