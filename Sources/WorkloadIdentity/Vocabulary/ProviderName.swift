/// The name by which users ask for a provider, such as `aws-bedrock`.
///
/// Not an enumeration, since configuration adds providers.
public struct ProviderName: RawRepresentable, Hashable, Sendable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }
}

extension ProviderName: ExpressibleByStringLiteral, Comparable, CustomStringConvertible {
    public init(stringLiteral value: String) {
        self.init(rawValue: value)
    }

    public static func < (left: ProviderName, right: ProviderName) -> Bool {
        left.rawValue < right.rawValue
    }

    public var description: String { rawValue }
}
