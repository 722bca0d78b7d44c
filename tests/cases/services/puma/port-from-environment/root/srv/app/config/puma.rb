max = ENV.fetch("RAILS_MAX_THREADS") { 5 }
threads max, max
port ENV.fetch("PORT") { 3000 }
environment ENV.fetch("RAILS_ENV") { "development" }
pidfile ENV.fetch("PIDFILE") { "/tmp/server.pid" }
