package upstream

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// TestLookUpAgain connects although the first packet of the look-up of a name is lost, as one of a pair often is in a cluster: Go's
// resolver waits 5 s before it asks again, and the time for that is part of the dialer's.
func TestLookUpAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	hole, server := listenPacket(t), listenPacket(t)
	go answerLocalhost(server)
	var asked atomic.Int64
	dialer := newDialer()
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		if asked.Add(1) == 1 {
			return net.Dial("udp", hole.LocalAddr().String())
		}
		return net.Dial("udp", server.LocalAddr().String())
	}}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	connection, err := dialer.DialContext(t.Context(), "tcp4", net.JoinHostPort("registry.example.com.", port))
	if err != nil {
		t.Fatalf("after %d look-ups: %v", asked.Load(), err)
	}
	_ = connection.Close()
	if asked.Load() < 2 {
		t.Errorf("%d look-ups: no packet was lost", asked.Load())
	}
}

func listenPacket(t *testing.T) net.PacketConn {
	t.Helper()
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// answerLocalhost is a name server for which every name is this machine's, until it is closed.
func answerLocalhost(server net.PacketConn) {
	packet := make([]byte, 1500)
	for {
		n, client, err := server.ReadFrom(packet)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(packet[:n]) != nil {
			continue
		}
		message.Response, message.Additionals = true, nil
		question := message.Questions[0]
		if question.Type == dnsmessage.TypeA {
			message.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
		if answer, err := message.Pack(); err == nil {
			_, _ = server.WriteTo(answer, client)
		}
	}
}
