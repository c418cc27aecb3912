import Glibc

extension String {
    /// The bytes of an IPv4 or IPv6 address in network order, or `nil` for what is none.
    var addressBytes: [UInt8]? {
        for (family, length) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: length)
            if inet_pton(family, self, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
