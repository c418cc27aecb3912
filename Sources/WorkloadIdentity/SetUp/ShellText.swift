/// Text of a shell script that stands in this source as it is.
///
/// It is made of literals alone, without interpolation: the compiler sees to it that no value from outside gets into a
/// command. Values go into variables, as ``ShellWord``.
struct ShellText: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    let description: String

    init(stringLiteral text: StaticString) {
        description = text.description
    }
}
