import Testing
import WorkloadIdentity

@testable import PodInjection

/// A binding is decided on once for all containers that say nothing of it.
@Suite struct IndifferentContainerTests {
    @Test("what is decided for one container that says nothing of a binding is what is decided for each of them")
    func isDecidedAlike() {
        var compared = 0
        InjectionPropertyTests.forAll { sample in
            let pod = PodManifest(sample.pod)
            let draft = PodDraft(pod)
            guard draft.isWellFormed else { return }
            for (provider, outcome) in sample.plan(for: pod).outcomes {
                let edits = draft.containers.indices.filter { index in
                    let container = draft.containers[index]
                    return outcome.serves(container.name) && container.isIndifferent(to: outcome)
                }.map { ContainerEdit(outcome, of: provider, with: outcome.addition.volume, at: $0, in: draft) }
                for edit in edits {
                    #expect(edit.says(thatOf: edits[0]), "seed \(sample.seed), \(provider), container \(edit.index)")
                    #expect(edit.problems.isEmpty && edit.files.isEmpty, "seed \(sample.seed), \(provider)")
                }
                compared += max(0, edits.count - 1)
            }
        }
        #expect(compared > 50, "too few containers have been compared")
    }
}

extension ContainerEdit {
    fileprivate func says(thatOf other: ContainerEdit) -> Bool {
        result == other.result && variables == other.variables && mountPath == other.mountPath
            && isMounted == other.isMounted && volumeName == other.volumeName
    }
}
