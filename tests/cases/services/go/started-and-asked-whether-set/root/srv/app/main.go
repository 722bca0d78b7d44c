package main

import (
	"net/http"
	"os"
)

func main() {
	addr := "127.0.0.1:8000"
	if env := os.Getenv("ADDR"); env != "" {
		addr = env
	}
	http.ListenAndServe(addr, nil)
}
