import java.net.ServerSocket;
import java.util.Optional;

public class Main {
    public static void main(String[] args) throws Exception {
        String port = System.getenv("APP_PORT");
        ServerSocket server = new ServerSocket(port != null ? Integer.parseInt(port) : 8080, Integer.getInteger("backlog", 90));
        int other = Integer.parseInt(System.getenv().getOrDefault("OTHER_PORT", "8081"));
        ServerSocket second = new ServerSocket(other, Integer.parseInt(System.getProperty("app.backlog", "91")));
        int third = Optional.ofNullable(System.getenv("THIRD_PORT")).map(Integer::parseInt).orElse(8082);
        ServerSocket last = new ServerSocket(third);
        Thread.currentThread().join();
    }
}
