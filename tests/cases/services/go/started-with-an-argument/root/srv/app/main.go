package main

import (
	"net/http"
	"os"
)

func main() {
	http.ListenAndServe(os.Args[1], nil)
}
