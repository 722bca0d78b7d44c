package main

import (
	"net"
	"net/http"
	"time"
)

func main() {
	net.Listen("tcp", ":8080")
	net.Listen("unix", "/run/app.sock")
	http.ListenAndServe(":8081", nil)
	time.Sleep(time.Hour)
}
