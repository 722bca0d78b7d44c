
public class Main {
    public static void main(String[] args) throws Exception {
        java.net.ServerSocket server = new java.net.ServerSocket(8080, 33);
        var other = java.nio.channels.ServerSocketChannel.open();
        other.bind(new java.net.InetSocketAddress(8081), 34);
        Thread.currentThread().join();
    }
}
