package main

import (
	"fmt"
	"net"
	"time"
)

type bus struct{}

// Listen listens on a bus, not by net.Listen("tcp", ":9000").
func (b bus) Listen(network, address string) {}

func subscribe() {
	net := bus{}
	net.Listen("tcp", ":9001")
}

const help = `try net.Listen("tcp", ":9002")`

func main() {
	subscribe()
	bus{}.Listen("tcp", ":9003")
	fmt.Println(help)
	net.ListenPacket("udp", ":9004")
	net.ListenUDP("udp", &net.UDPAddr{Port: 9005})
	listener, _ := net.Listen("tcp", "127.0.0.1:8080")
	file, _ := listener.(*net.TCPListener).File()
	// The same socket again.
	net.FileListener(file)
	net.Dial("tcp", "127.0.0.1:8080")
	time.Sleep(time.Hour)
}
