package main

const address = ":9999"
