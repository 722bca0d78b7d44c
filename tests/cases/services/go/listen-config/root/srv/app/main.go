package main

import (
	"context"
	"net"
	"time"
)

func main() {
	ctx := context.Background()
	(&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", ":8080")
	var configuration net.ListenConfig
	configuration.Listen(ctx, "tcp4", "127.0.0.1:8081")
	made := net.ListenConfig{}
	made.Listen(ctx, "unix", "/run/app.sock")
	time.Sleep(time.Hour)
}
