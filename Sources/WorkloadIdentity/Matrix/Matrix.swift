/// Which mechanisms serve a provider on a platform, the best one first.
public struct Matrix: Sendable {
    private var cells: [ProviderName: [Platform: [Mechanism]]]

    /// The built-in matrix with a configuration's cells in place of its own.
    public init(_ configuration: Configuration) {
        cells = Self.builtIn
        for (platform, row) in configuration.matrix {
            for (provider, mechanisms) in row { cells[provider, default: [:]][platform] = mechanisms }
        }
    }

    /// A provider without a row takes an API key and nothing else.
    public subscript(platform: Platform, provider: ProviderName) -> [Mechanism] {
        cells[provider]?[platform] ?? Mechanism.secretDeliveries
    }
}
