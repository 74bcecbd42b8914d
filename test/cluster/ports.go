package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// loopback is where everything of a cluster listens.
const loopback = "127.0.0.1"

// Ports are taken from below Linux' ephemeral range (32768 and up): an outgoing connection could be given one of those
// between the moment it was found free and the moment a server listens there, or while the API server is stopped.
const (
	firstPort  = 20000
	countPorts = 12000
)

// FreePorts returns as many ports of the loopback interface on which nobody listens. They are held until all are found, so
// no two are the same.
func FreePorts(count int) ([]int, error) {
	var ports []int
	for range 100 * count {
		port := firstPort + rand.IntN(countPorts)
		listener, err := net.Listen("tcp", hostPort(port))
		if err != nil {
			continue // somebody listens there
		}
		defer listener.Close() //nolint:errcheck // nothing was received
		if ports = append(ports, port); len(ports) == count {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("finding %d free ports from %d on: found only %d", count, firstPort, len(ports))
}

func hostPort(port int) string {
	return net.JoinHostPort(loopback, strconv.Itoa(port))
}
