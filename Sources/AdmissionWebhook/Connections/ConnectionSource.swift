/// Where a connection comes from, as far as one sender can be told from another: an IPv4 address, or the network of an IPv6
/// address, of which every host has all the rest to itself.
struct ConnectionSource: Hashable, Sendable {
    private let bytes: [UInt8]

    /// - Parameter address: what is no address counts as one sender.
    init(_ address: String?) {
        let bytes = address?.addressBytes ?? []
        // ::ffff:a.b.c.d, how a socket for both shows an IPv4 address: RFC 4291 section 2.5.5.2.
        let isMapped =
            bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10..<12].allSatisfy { $0 == 0xFF }
        self.bytes = Array(isMapped ? bytes.suffix(4) : bytes.prefix(8))
    }
}
