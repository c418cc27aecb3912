import Foundation
import Testing

@testable import WorkloadIdentity

/// The chart's policy leaves pods with keys of their own to the webhook: it has to know the same keys.
@Suite struct PolicyKeysTests {
    @Test("the policy knows the prefixes of all annotations that may matter to a plan, and no others")
    func areTheSame() throws {
        let chart = try String(contentsOfFile: "charts/lanyard/templates/_helpers.tpl", encoding: .utf8)
        let definition = try #require(chart.components(separatedBy: "define \"lanyard.keysThatMatter\"").last)
        let expression = try #require(definition.firstMatch(of: /"\^\(([^)]+)\)\/"/)?.output.1)
        let prefixes = expression.split(separator: "|").map { String($0).replacing("\\\\.", with: ".") + "/" }
        #expect(prefixes.sorted() == AnnotationKey.prefixes)
    }
}
