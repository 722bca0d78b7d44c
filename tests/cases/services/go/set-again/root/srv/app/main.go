package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

const defaultPort = "8080"

func main() {
	port := defaultPort
	if given := os.Getenv("PORT"); given != "" {
		port = given
	}
	port = ":" + port
	go http.ListenAndServe(port, nil)

	address := ":9999"
	address = ":8081"
	go http.ListenAndServe(address, nil)

	// Without a host it is every address.
	host := os.Getenv("HOST")
	go http.ListenAndServe(host+":8082", nil)
	go http.ListenAndServe(fmt.Sprintf("%s:%d", host, 8083), nil)
	http.ListenAndServe(net.JoinHostPort(os.Getenv("HOST"), "8084"), nil)
}
