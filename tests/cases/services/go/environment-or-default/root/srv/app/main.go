package main

import (
	"net/http"
	"os"
)

func getenv(key, fallback string) string {
	if value, ok := os.LookupEnv(key); ok {
		return value
	}
	return fallback
}

func envOr(key string, fallback string) string {
	value := os.Getenv(key)
	if value == "" {
		return fallback
	}
	return value
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	go http.ListenAndServe(":"+port, nil)

	address := ":8081"
	if given := os.Getenv("ADDR"); given != "" {
		address = given
	}
	go http.ListenAndServe(address, nil)

	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	go http.ListenAndServe(getenv("METRICS", ":8082"), nil)
	go http.ListenAndServe(":"+envOr("ADMIN_PORT", "8083"), nil)

	other := envOr("OTHER", "127.0.0.1:8084")
	server := &http.Server{Addr: other}
	server.ListenAndServe()
}
