/// All keys that an API server has shown of late. While keys are rotated, API servers show different sets, one after the
/// other, and each answer is of one of them.
public struct RecentIssuerKeys: Sendable {
    /// How long a key counts after it was seen last.
    public static let window = Duration.seconds(600)

    private var sightings: [String: (key: IssuerKey, last: Duration)] = [:]

    public init() {}

    /// - Parameter moment: on any clock that goes on.
    public mutating func note(_ set: IssuerKeySet, at moment: Duration) {
        for key in set.keys { sightings[key.thumbprint] = (key, moment) }
        sightings = sightings.filter { moment - $0.value.last <= Self.window }
    }

    public var set: IssuerKeySet { IssuerKeySet(sightings.values.map(\.key)) }
}
