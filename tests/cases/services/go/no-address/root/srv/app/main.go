package main

import (
	"net"
	"time"
)

func main() {
	net.ListenTCP("tcp", nil)
	time.Sleep(time.Hour)
}
