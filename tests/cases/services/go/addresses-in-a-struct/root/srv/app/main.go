package main

import (
	"net"
	"time"
)

func main() {
	net.ListenTCP("tcp", &net.TCPAddr{Port: 8080})
	net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081})
	net.ListenTCP("tcp", &net.TCPAddr{IP: net.IP{127, 0, 0, 1}, Port: 8082})
	net.ListenTCP("tcp4", &net.TCPAddr{net.IPv4(127, 0, 0, 1), 8083, ""})
	time.Sleep(time.Hour)
}
