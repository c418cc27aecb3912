import Foundation
import Testing

@testable import WorkloadIdentity

@Suite struct ReasonGuideTests {
    /// The reasons as they are declared: Swift does not list a type's static members.
    private func declaredReasons() throws -> [String] {
        let source = try String(contentsOfFile: "Sources/WorkloadIdentity/Vocabulary/Problem.swift", encoding: .utf8)
        return source.matches(of: /static let \w+ = Self\(rawValue: "(\w+)"\)/).map { String($0.output.1) }
    }

    @Test("each reason is explained, once, in the order of their names")
    func explainsEach() throws {
        let reasons = try declaredReasons()
        #expect(reasons.count > 30)
        #expect(ReasonGuide.all.map(\.reason.rawValue) == reasons.sorted())
    }

    @Test("what is said is part of a sentence")
    func isPhrased() {
        for guide in ReasonGuide.all {
            #expect(guide.meaning.first?.isUppercase == true && guide.meaning.last != ".", "\(guide.reason)")
            #expect(guide.remedy.first?.isUppercase == false && guide.remedy.last != ".", "\(guide.reason)")
            #expect(guide.reason.guide == guide)
            #expect(guide.address.hasSuffix("#" + guide.reason.rawValue.lowercased()))
        }
        #expect(Problem.Reason(rawValue: "NeverHeardOf").guide == nil)
    }

    @Test("docs/reasons.md says the same")
    func isDocumented() throws {
        let page = try String(contentsOfFile: "docs/reasons.md", encoding: .utf8)
        let section = ReasonGuide.all.map { guide in
            let remedy = guide.remedy.prefix(1).uppercased() + guide.remedy.dropFirst()
            return "### \(guide.reason)\n\n\(guide.meaning). \(remedy).\n"
        }
        .joined(separator: "\n")
        #expect(page.hasSuffix(section), "docs/reasons.md is to end with this:\n\(section)")
    }
}
