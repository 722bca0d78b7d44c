package config

// Address is where the shop listens.
const Address = ":8080"

type Config struct {
	Listen string
}

func Load() *Config {
	return &Config{Listen: ":8081"}
}
