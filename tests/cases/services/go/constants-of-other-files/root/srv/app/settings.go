package main

import "path/filepath"

type settings struct {
	Port int
}

const (
	address = ":8080"
	// The ports of this program start here.
	basePort = 8_081
	network  = "unix"
)

var folder = "/run"

func path() string { return filepath.Join(folder, "app.sock") }
