-- Each row belongs to an installation (STREAMFLEET_CLUSTER_ID), so that several may share a database. What was there before
-- belongs to the one that migrates, which says who it is as "streamfleet.cluster_id"; the default is not kept.

-- DropForeignKey
ALTER TABLE "node_transition" DROP CONSTRAINT "node_transition_life_uid_fkey";

-- DropIndex
DROP INDEX "node_life_open";

-- DropIndex
DROP INDEX "stream_live";

-- DropIndex
DROP INDEX "stream_open_on_node";

-- DropIndex
DROP INDEX "scaling_activity_namespace_group_first_at_idx";

-- DropIndex
DROP INDEX "alarm_transition_namespace_group_at_idx";

-- DropIndex
DROP INDEX "last_report_namespace_group_idx";

-- AlterTable
ALTER TABLE "node_life" DROP CONSTRAINT "node_life_pkey",
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), ''),
ADD CONSTRAINT "node_life_pkey" PRIMARY KEY ("cluster_id", "uid");
ALTER TABLE "node_life" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- AlterTable
ALTER TABLE "node_transition" DROP CONSTRAINT "node_transition_pkey",
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), ''),
ADD CONSTRAINT "node_transition_pkey" PRIMARY KEY ("cluster_id", "life_uid", "at", "phase");
ALTER TABLE "node_transition" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- AlterTable
ALTER TABLE "stream"
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), '');
ALTER TABLE "stream" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- AlterTable
ALTER TABLE "load_minute" DROP CONSTRAINT "load_minute_pkey",
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), ''),
ADD CONSTRAINT "load_minute_pkey" PRIMARY KEY ("cluster_id", "namespace", "group", "minute", "role", "region");
ALTER TABLE "load_minute" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- AlterTable
ALTER TABLE "scaling_activity" DROP CONSTRAINT "scaling_activity_pkey",
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), ''),
ADD COLUMN     "latest_message" TEXT,
ADD CONSTRAINT "scaling_activity_pkey" PRIMARY KEY ("cluster_id", "namespace", "group", "role", "region", "number");
ALTER TABLE "scaling_activity" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- AlterTable
ALTER TABLE "alarm_transition" DROP CONSTRAINT "alarm_transition_pkey",
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), ''),
ADD CONSTRAINT "alarm_transition_pkey" PRIMARY KEY ("cluster_id", "namespace", "group", "alarm", "region", "at");
ALTER TABLE "alarm_transition" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- AlterTable
ALTER TABLE "last_report" DROP CONSTRAINT "last_report_pkey",
ADD COLUMN     "cluster_id" TEXT NOT NULL DEFAULT COALESCE(current_setting('streamfleet.cluster_id', true), ''),
ADD CONSTRAINT "last_report_pkey" PRIMARY KEY ("cluster_id", "uid");
ALTER TABLE "last_report" ALTER COLUMN "cluster_id" DROP DEFAULT;

-- CreateIndex
CREATE INDEX "node_life_open" ON "node_life"("cluster_id", "namespace", "group", "opened_at") WHERE ("closed_at" IS NULL);

-- CreateIndex
CREATE INDEX "stream_live" ON "stream"("cluster_id", "namespace", "group", "scope", "name") WHERE ("ended_at" IS NULL);

-- CreateIndex
CREATE UNIQUE INDEX "stream_open_on_node" ON "stream"("cluster_id", "node_uid", "scope", "name") WHERE ("ended_at" IS NULL);

-- CreateIndex
CREATE INDEX "scaling_activity_cluster_id_namespace_group_first_at_idx" ON "scaling_activity"("cluster_id", "namespace", "group", "first_at");

-- CreateIndex
CREATE INDEX "alarm_transition_cluster_id_namespace_group_at_idx" ON "alarm_transition"("cluster_id", "namespace", "group", "at");

-- CreateIndex
CREATE INDEX "last_report_cluster_id_namespace_group_idx" ON "last_report"("cluster_id", "namespace", "group");

-- AddForeignKey
ALTER TABLE "node_transition" ADD CONSTRAINT "node_transition_cluster_id_life_uid_fkey" FOREIGN KEY ("cluster_id", "life_uid") REFERENCES "node_life"("cluster_id", "uid") ON DELETE CASCADE ON UPDATE CASCADE;
