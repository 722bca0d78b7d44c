import java.net.ServerSocket;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocket zero = new ServerSocket(8080, 0);
        ServerSocket negative = new ServerSocket(8081, -1);
        ServerSocket none = new ServerSocket(8082, 0, null);
        Thread.currentThread().join();
    }
}
