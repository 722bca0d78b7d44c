package config

var Host = "127.0.0.1"
