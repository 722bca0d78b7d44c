package main

import (
	"net"
	"time"
)

func main() {
	net.Listen("tcp", ":http")
	net.Listen("tcp", "127.0.0.1:https")
	net.Listen("tcp4", ":smtp")
	time.Sleep(time.Hour)
}
