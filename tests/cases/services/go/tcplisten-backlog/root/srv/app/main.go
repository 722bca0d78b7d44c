package main

import (
	"time"

	"github.com/valyala/tcplisten"
)

func main() {
	config := tcplisten.Config{ReusePort: true, Backlog: 256}
	if _, err := config.NewListener("tcp4", ":8080"); err != nil {
		panic(err)
	}
	plain := tcplisten.Config{}
	plain.NewListener("tcp6", "[::1]:8081")
	time.Sleep(time.Hour)
}
