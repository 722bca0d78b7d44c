package app;

final class Settings {
    static final int PORT = 8080;
}
