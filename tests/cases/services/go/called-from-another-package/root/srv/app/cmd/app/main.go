package main

import (
	"example.com/shop/server"
)

func main() {
	go server.Serve(":8081")
	go server.Serve("127.0.0.1:8082")
	server.New(server.Options{Port: 8080}).Run()
}
