package main

import (
	"net"
	"time"
)

func main() {
	net.Listen("tcp", "app.internal:8080")
	net.Listen("tcp6", "app6.internal:8081")
	net.Listen("tcp", "app6.internal:8082")
	time.Sleep(time.Hour)
}
