package main

import (
	"net"
	"time"
)

const port = 8084

func main() {
	resolved, err := net.ResolveTCPAddr("tcp", ":8080")
	if err != nil {
		panic(err)
	}
	net.ListenTCP("tcp", resolved)
	net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 8081})
	net.ListenTCP("tcp", &net.TCPAddr{Port: 8082})
	net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4zero, Port: 8083})
	address := net.TCPAddr{IP: net.IPv6loopback, Port: port}
	net.ListenTCP("tcp", &address)
	net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 8085})
	time.Sleep(time.Hour)
}
