package main

import "time"

func main() {
	listen()
	time.Sleep(time.Hour)
}
