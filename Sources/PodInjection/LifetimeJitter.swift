internal import WorkloadIdentity

/// Spreads the lifetimes of tokens, so that pods that start together do not renew their tokens together.
///
/// It only ever decides what a new volume gets: a volume that is there keeps its lifetime, and no plan's hash covers it.
public struct LifetimeJitter: Hashable, Sendable {
    /// Any number: its remainder is the number of seconds above the shortest lifetime.
    private let position: UInt64

    public init(position: UInt64) {
        self.position = position
    }

    /// The same for the same admission review, and as good as random over many.
    public init(reviewUID: String) {
        // FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
        position = reviewUID.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    /// The volume as one pod gets it.
    func applied(to volume: PodAddition.Volume) -> PodAddition.Volume {
        guard case .token(var token, let file) = volume.source, let shortest = token.shortestExpirationSeconds,
            shortest < token.expirationSeconds
        else { return volume }
        let range = UInt64(token.expirationSeconds - shortest + 1)
        token.expirationSeconds = shortest + Int(position % range)
        var volume = volume
        volume.source = .token(token, file)
        return volume
    }
}
