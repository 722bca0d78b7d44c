package main

import (
	"net"
	"time"
)

func main() {
	net.Listen("tcp", ":8080")
	net.Listen("tcp", "0.0.0.0:8081")
	net.Listen("tcp", "[::]:8082")
	net.Listen("tcp", "127.0.0.1:8083")
	net.Listen("tcp", "[::1]:8084")
	net.Listen("tcp", "localhost:8085")
	net.Listen("tcp4", ":8086")
	net.Listen("tcp4", "0.0.0.0:8087")
	net.Listen("tcp6", ":8088")
	net.Listen("tcp6", "[::]:8089")
	net.Listen("tcp6", "[::1]:8090")
	time.Sleep(time.Hour)
}
