package main

import (
	"net"
	"time"
)

func main() {
	net.Listen("tcp", "127.0.0.1:0")
	net.Listen("tcp", ":8080")
	time.Sleep(time.Hour)
}
