package main

import (
	"net"
	"time"
)

func main() {
	net.Listen("tcp", ":8080")
	time.Sleep(time.Hour)
}
