import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.*;
import java.nio.channels.spi.SelectorProvider;

public class Main {
    public static void main(String[] args) throws Exception {
        ServerSocketChannel one = ServerSocketChannel.open();
        one.bind(new InetSocketAddress(8080));
        ServerSocketChannel two = ServerSocketChannel.open().bind(new InetSocketAddress("localhost", 8081), 200);
        ServerSocketChannel three = ServerSocketChannel.open();
        three.socket().bind(new InetSocketAddress(8082), 201);
        AsynchronousServerSocketChannel four = AsynchronousServerSocketChannel.open().bind(new InetSocketAddress(8083), 202);
        ServerSocketChannel five = SelectorProvider.provider().openServerSocketChannel();
        five.bind(new InetSocketAddress(8084), 0);
        ServerSocketChannel ipv4 = ServerSocketChannel.open(StandardProtocolFamily.INET);
        ipv4.bind(new InetSocketAddress(8085), 203);
        Thread.currentThread().join();
    }
}
