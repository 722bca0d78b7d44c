if ENV['RAILS_ENV'] == 'production'
  bind 'unix:///run/app.sock'
else
  port 3020
end
